"""Networks: pooling, heads, the compact model; no training loops."""
