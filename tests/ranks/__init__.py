"""Checks that processes of torch.distributed make together; test_distributed.py starts them."""
