"""
Pickles that CPython itself wrote in each protocol, in zip archives as torch.save makes them: protocol-N.pt. A state dict of
two tensors (stand-ins for torch's functions give their names), beside whatever a training run may leave in a checkpoint.
"""
import argparse, collections, datetime, decimal, io, pathlib, pickle, struct, sys, types, uuid, zipfile
def mod(n):
    m=types.ModuleType(n); sys.modules[n]=m; return m
t=mod("torch"); u=mod("torch._utils"); ts=mod("torch.storage")
def _rebuild_tensor_v2(*a): pass
_rebuild_tensor_v2.__module__="torch._utils"; u._rebuild_tensor_v2=_rebuild_tensor_v2
class FloatStorage: pass
FloatStorage.__module__="torch"; FloatStorage.__qualname__="FloatStorage"; t.FloatStorage=FloatStorage
class S:
    def __init__(s,key,n): s.key=key; s.n=n
class T:
    def __init__(s,st,off,size,stride): s.a=(st,off,size,stride)
    def __reduce__(s): return (_rebuild_tensor_v2,(s.a[0],s.a[1],s.a[2],s.a[3],False,collections.OrderedDict()))
class P(pickle.Pickler):
    def persistent_id(s,o):
        if isinstance(o,S): return ("storage",FloatStorage,o.key,"cpu",o.n)
class Config:
    def __init__(s): s.x=1; s.d={"y":[1,2,(3,)]}
class DictSub(dict): pass
class ListSub(list): pass
st=S("0",6)
ext={"args":argparse.Namespace(a=1,b="é"),"p":pathlib.PosixPath("/a/b"),"d":datetime.datetime(2020,1,1),"cfg":Config(),"ds":DictSub(a=1,b=2),"ls":ListSub([1,2]),
"set":{1,2},"fs":frozenset([3]),"b":b"abc","ba":bytearray(b"xyz"),"c":collections.Counter("aab"),"dd":collections.defaultdict(list,{"k":[1]}),"dq":collections.deque([1,2]),
"dec":decimal.Decimal("1.5"),"uu":uuid.UUID(int=5),"big":2**200,"neg":-2**70,"i":[0,1,255,256,65535,65536,2**31-1,2**31,-1,-2**31,-2**31-1],"f":[1.5,-0.0,float("inf"),float("nan")],
"cplx":1+2j,"sl":slice(1,2),"none":None,"bools":[True,False],"empty":[(),[],{},set()],"types":[int,float,str,dict,list,object],"ell":1,"long":"x"*300,"uni":"☃\U0001f600\n\\u0041","nest":[[[[]]]],"cyc":None}
ext["cyc"]=[ext["i"],ext["i"]]
sd=collections.OrderedDict([("w.weight",T(st,0,(2,3),(3,1))),("w.bias",T(st,3,(3,),(1,))),("none",None)])
sd._metadata=collections.OrderedDict({"":{"version":1}})
for proto in range(1, 6):
    b=io.BytesIO()
    P(b,proto).dump({"state_dict":sd,**ext})
    with zipfile.ZipFile(pathlib.Path(__file__).parent/f"protocol-{proto}.pt","w") as z:
        for name,data in {"data.pkl":b.getvalue(),"data/0":struct.pack("<6f",1,2,3,4,5,6),"version":"3\n"}.items():
            z.writestr(zipfile.ZipInfo("archive/"+name),data)
