"""What is asked: named questions that return a Select or its answer."""
