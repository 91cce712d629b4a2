"""What is drawn on the time axis; views ask and never decide."""
