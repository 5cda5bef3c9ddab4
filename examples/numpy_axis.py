"""Running totals of a NumPy array, along each axis, in place, and with another dtype."""

import numpy as np

import cumsum

sales = np.array([[3, 1, 4], [1, 5, 9]], dtype=np.int8)

print("by day, down the rows:")
print(cumsum.cumsum(sales, 0))

print("by shop, along each row:")
print(cumsum.cumsum(sales, axis=1))

print("over everything:", cumsum.cumsum(sales, axis=None))
print("as", cumsum.cumsum(sales, 1, dtype=np.float32).dtype)

# A float32 total is carried in float64 and rounded once, so ten million tenths stay exact.
tenths = np.full(10_000_000, 0.1, dtype=np.float32)
print(f"ten million tenths: {cumsum.cumsum(tenths, 0)[-1]:.1f}")

# No second array: the totals replace the values.
cumsum.cumsum_(tenths, 0)
print(f"in place: {tenths[-1]:.1f}")

# Any strides, without a copy: every other value, from the end.
print("backwards:", cumsum.cumsum(sales[0, ::-2], 0))
