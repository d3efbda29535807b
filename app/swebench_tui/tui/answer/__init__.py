"""The view of one streaming answer: incremental Markdown lines in a line-cached widget."""
