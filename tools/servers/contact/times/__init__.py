"""When people can meet: hours, holidays, buffers, what people say, and free slots out of these."""
