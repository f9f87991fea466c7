"""x."""
from . import measure
from .measure import PRESETS
def main(c): 
    from . import numbers
    from fooljax import study
    import fooljax as fj
    with study.opened(main, c) as run:
        measure.check(c); makers=study.choose("--generators", c.generators, study.FOOLING)
        found=measure.load(run); nets=measure.train(run,found); m=measure.measure(run,found,nets,makers)
        recs=list(numbers.judge(found,nets,m))
        import pickle; pickle.dump(recs,open(run.folder/'recs.pkl','wb'))
        for by,ms,part in ((("model","share"),("same","right","blind_same","blind_right","seeing_right"),"words"),(("model","level"),("asked","truth","everywhere"),"stubborn"),(("model","shown"),("right","same"),"blind"),(("model","kind"),("same","right","random_same"),"dropped"),(("model","generator","question"),("reached","confidence"),"fooled"),(("model",),("words","left","sure","sure_left","nothing","at_random"),"reduced"),(("model",),("confidence","sure","commonest"),"noise")):
            b={"words","left"}&set(ms)
            for r in study.summarize(study.where(recs,part=part),by,ms,over=study.span).rows: print(part,*r.keys.values(),{k:round(v.mean,4) for k,v in r.values.items()})
