"""The screens, one a file: what is asked, and how what is known is laid out."""
