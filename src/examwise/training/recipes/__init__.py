"""Recipes: options of model, training and trainer under one name, and what is known of them."""
