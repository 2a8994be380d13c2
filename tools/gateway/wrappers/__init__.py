"""What happens to each call, one file per policy; `tools/gateway/chain.py` has the order."""
