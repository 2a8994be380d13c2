"""The ports of the platform, as api, worker and the all-in-one give them."""

from collections.abc import Mapping
from pathlib import Path

from kit.clock import SystemClock
from knowledge.embed import EmbedSettings, Vectoriser, make_ingest_embedder
from knowledge.prepare import Preparer
from launch.parts import Keys, Knowledge, Stores, release
from launch.separate import keys as separate_keys
from launch.separate import needed
from launch.shape import ShapeSettings
from platform_api.app import PlatformPorts
from platform_api.identity.settings import IdentitySettings
from platform_api.library.service.vector_cache import PostgresVectorCache
from ports.blobs import FolderBlobs
from ports.queue import Queue


def platform_ports(
    stores: Stores,
    knowledge: Knowledge,
    keys: Keys,
    *,
    blobs: Path,
    gateway_url: str,
    addresses: Mapping[str, str],
    all_in_one: bool = False,
) -> PlatformPorts:
    """`all_in_one` turns the dev sign-in on."""
    clock = SystemClock()
    identity = IdentitySettings()
    preparer = Preparer()
    ingesting = make_ingest_embedder(knowledge.spec, EmbedSettings(), preparer)
    return PlatformPorts(
        database=stores.database,
        redis=stores.redis,
        redis_blocking=stores.redis_blocking,
        queue=Queue(stores.database),
        blobs=FolderBlobs(blobs),
        index=knowledge.index,
        search=knowledge.search,
        preparer=preparer,
        vectoriser=Vectoriser(ingesting, PostgresVectorCache(stores.database, clock)),
        embedder=knowledge.embedder,
        signing_key=keys.platform,
        minter=keys.minter(clock),
        trusted=keys.trusted,
        gateway_url=gateway_url,
        release=release(),
        server_addresses=addresses,
        shape="all-in-one" if all_in_one else "separate",
        identity_settings=identity.model_copy(update={"dev_sign_in": True}) if all_in_one else identity,
        clock=clock,
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
        addresses={"docs": needed(shape.docs_url, "SHAPE__DOCS_URL", "where the docs server answers")},
    )
