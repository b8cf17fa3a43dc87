"""What is built from the sources: wheel, source distribution, and the students' zip files."""
