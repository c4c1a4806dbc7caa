"""A folder of text files as a workspace of pages: sections, exact edits, revisions, links and search."""
