"""Reading and embedding on the workers of Ray Data (extra ``ray``), in place of one process."""
