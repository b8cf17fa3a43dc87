"""The long experiments: published figures, trained anew and stored with their provenance."""
