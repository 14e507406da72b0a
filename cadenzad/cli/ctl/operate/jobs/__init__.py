"""`cadenzactl jobs`: slow work, listed, tried again or ended."""
