"""The site of the documentation: its pages in order, the generated ones, and what holds them."""
