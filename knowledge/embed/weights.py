"""Which weights, in which build: what the cached model file and the index are named after."""

# The official revision of sentence-transformers/all-MiniLM-L6-v2: the package's own name proves nothing.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Raise it with every change of the graph that moves a vector.
BUILDER = "b2"
VERSION = f"minilm-l6-v2-int8-{BUILDER}"
MAX_TOKENS = 256
WIDTH = 384
