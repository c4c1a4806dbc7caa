"""Imports what people have elsewhere as pages (Notion, Obsidian, HTML, documents), and exports pages back."""
