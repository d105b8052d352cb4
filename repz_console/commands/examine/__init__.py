"""What `doctor` looks at, one module an area. Each gives its answers; none changes anything."""
