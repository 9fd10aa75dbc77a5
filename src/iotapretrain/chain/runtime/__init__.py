"""The embedded chain's type description, and the codec that speaks it.

`pallets` and `apis` say in a few lines of text what the chain holds, accepts and answers;
`metadata` composes the SCALE metadata of that; `codec` turns values into bytes and back with it.
"""
