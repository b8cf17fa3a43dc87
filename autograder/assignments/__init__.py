"""What instructors write: sources, release, mutation testing, the demo class, the student zip."""
