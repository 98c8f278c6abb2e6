"""Which parameters get which learning rate and weight decay."""
