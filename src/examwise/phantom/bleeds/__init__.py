"""The five kinds of intracranial haemorrhage: which, where, how large, how dense."""
