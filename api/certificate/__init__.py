"""The retirement certificate on paper: a PDF of reproducible bytes, and QR codes to the public page."""
