"""The stage: one page on which one person plays every role of the story."""
