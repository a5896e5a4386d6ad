"""What is said of a run, a comparison or a converter: tables for people and for programs."""
