"""Sums of data with holes: elements that a mask leaves out, or that are NaN, add nothing."""
