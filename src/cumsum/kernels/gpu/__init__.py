"""Scans on GPUs, by kernels in Triton; nothing here imports it before a GPU's memory arrives."""
