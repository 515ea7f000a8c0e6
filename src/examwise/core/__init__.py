"""What every other layer stands on: errors, storage, commits, tables, identity, executors."""
