"""Learning Representations: the library under the book."""
