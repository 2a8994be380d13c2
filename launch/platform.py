"""The ports of the platform, as api, worker and the all-in-one give them."""

from collections.abc import Mapping
from pathlib import Path

from kit.clock import Clock, SystemClock
from kit.sealing import KeyRing
from knowledge.embed import EmbedSettings, Vectoriser, make_ingest_embedder
from knowledge.index.vectorising import Vectorisers
from knowledge.prepare import Preparer
from launch.parts import Keys, Knowledge, Stores, release, remembering
from launch.separate import keys as separate_keys
from launch.separate import needed
from launch.shape import ShapeSettings
from launch.vault import load as load_vault
from platform_api.app import PlatformPorts
from platform_api.identity.settings import IdentitySettings
from platform_api.library.service.vector_cache import PostgresVectorCache
from platform_api.library.tasks.reindex import Reindexing
from platform_api.toolbox.connections.settings import ConnectionsSettings
from ports.blobs import FolderBlobs
from ports.queue import Queue
from ports.redis import CacheDoor


def platform_ports(
    stores: Stores,
    knowledge: Knowledge,
    keys: Keys,
    *,
    blobs: Path,
    gateway_url: str,
    addresses: Mapping[str, str],
    vault: KeyRing,
    all_in_one: bool = False,
) -> PlatformPorts:
    """`all_in_one` turns the dev sign-in on, and `gateway_url` is where browsers come, too."""
    clock = SystemClock()
    identity = IdentitySettings()
    preparer = Preparer()
    vectorisers = _vectorisers(stores, knowledge, preparer, clock)
    return PlatformPorts(
        database=stores.database,
        redis=stores.redis,
        redis_blocking=stores.redis_blocking,
        redis_url=stores.redis_url,
        queue=Queue(stores.database),
        blobs=FolderBlobs(blobs),
        index=knowledge.index,
        search=remembering(knowledge, CacheDoor(stores.redis)).search,
        finders=knowledge.finders,
        preparer=preparer,
        vectoriser=vectorisers,
        reindexing=Reindexing(knowledge.generations, vectorisers, knowledge.wanted),
        signing_key=keys.platform,
        minter=keys.minter(clock),
        trusted=keys.trusted,
        gateway_url=gateway_url,
        release=release(),
        server_addresses=addresses,
        shape="all-in-one" if all_in_one else "separate",
        vault=vault,
        connections_settings=_connections(gateway_url if all_in_one else ""),
        identity_settings=identity.model_copy(update={"dev_sign_in": True}) if all_in_one else identity,
        clock=clock,
    )


def _connections(url: str) -> ConnectionsSettings:
    """`url` stands where the settings have none."""
    settings = ConnectionsSettings()
    return settings.model_copy(update={"public_url": settings.public_url or url})


def _vectorisers(stores: Stores, knowledge: Knowledge, preparer: Preparer, clock: Clock) -> Vectorisers:
    """Each generation of the index has its own embedder; what they make is kept by its content."""
    settings, cache = EmbedSettings(), PostgresVectorCache(stores.database, clock)
    return Vectorisers(
        knowledge.generations,
        lambda spec: Vectoriser(make_ingest_embedder(spec, settings, preparer), cache),
    )


def separate_ports(shape: ShapeSettings, stores: Stores, knowledge: Knowledge) -> PlatformPorts:
    """For a process apart. Raises Missing where a setting is."""
    blobs = needed(shape.blobs_folder, "SHAPE__BLOBS_FOLDER", "a folder that api and worker share")
    return platform_ports(
        stores,
        knowledge,
        separate_keys(shape),
        blobs=Path(blobs),
        gateway_url=needed(shape.gateway_url, "SHAPE__GATEWAY_URL", "where the gateway answers"),
        addresses=_addresses(shape),
        vault=load_vault(Path(shape.keys_folder)),
    )


def _addresses(shape: ShapeSettings) -> dict[str, str]:
    """A server without an address is not offered: this deployment does not run it. Raises Missing."""
    docs = needed(shape.docs_url, "SHAPE__DOCS_URL", "where the docs server answers")
    return {"docs": docs, **({"contact": shape.contact_url} if shape.contact_url else {})}
