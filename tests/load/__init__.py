"""Long trials of the grader: kills, a large class, every right answer under many seeds."""
