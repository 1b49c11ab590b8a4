"""What continuous integration reads of a run: gates, JUnit, Markdown, annotations; and the files that set it up."""
