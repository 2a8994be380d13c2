"""Claims made from documents, the verifier's features on them, and how its weights are fitted."""
