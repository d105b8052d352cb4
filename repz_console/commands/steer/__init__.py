"""What `repz-console rollout` can do, one module a kind of deed."""
