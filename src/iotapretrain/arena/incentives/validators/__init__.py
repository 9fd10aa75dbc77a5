"""What validators do with what they measured: one small file a behaviour."""
