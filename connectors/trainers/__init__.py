"""What trains and scores: commands in processes of their own, the built-in one among them."""
