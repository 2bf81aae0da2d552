"""Cloud Storage, BigQuery and tokens, as the emulator answers them."""
