"""Flash converters: section, build, cost, kernel."""
