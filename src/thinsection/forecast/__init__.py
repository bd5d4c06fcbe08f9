"""What the comparison will cost on this machine, told before anything is trained."""
