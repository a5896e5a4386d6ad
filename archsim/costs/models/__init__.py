"""Models that give a component's costs in place of numbers in the library's file, a file a kind."""
