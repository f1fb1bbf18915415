"""What is odd about one kind, a file each: ``KIND``. Nobody lists them."""
