"""What `gemini_batch` costs, beside google-genai and beside the least the machine can do.

python -m benchmarks --check
"""
