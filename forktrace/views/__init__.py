"""What to show and where: selecting, folding, wording, layout; no output format."""
