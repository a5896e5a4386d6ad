"""An embedding, which looks vectors up: section and build."""
