"""Other systems' formats: what they give out is filled in, what they read is written."""
