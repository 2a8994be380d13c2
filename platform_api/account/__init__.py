"""The page about me: linked channel accounts, and the bots that may ask for people."""
