"""Knowledge bases, documents and the jobs that read them; the truth about access (SPEC 6, 7)."""
