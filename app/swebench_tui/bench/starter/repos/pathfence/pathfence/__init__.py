from pathfence.fence import Fence, OutsideError

__all__ = ["Fence", "OutsideError"]
