// The page's style sheet: two palettes, one column on a phone, tables on a desk. Text has a contrast of 4.5
// or more on both grounds, shapes of 3 or more (WCAG 2.1, 1.4.3 and 1.4.11).
#include "cli/report_view.hpp"

namespace jobrun {

Html report_style() {
  return Html(R"css(
:root{color-scheme:light dark;--ground:#f7f6f3;--paper:#fff;--ink:#1e2227;--soft:#5a6169;--line:#e3e0da;--code:#f1efea;
--ok:#1b7145;--ok-shape:#4b9a72;--warn:#845200;--warn-shape:#c98a1b;--bad:#b0261c;--bad-shape:#cf3f33;--info:#1d5a9e;--bad-ground:#fdf3f1}
@media (prefers-color-scheme:dark){:root{--ground:#121418;--paper:#1a1d22;--ink:#e6e4df;--soft:#a3a9b1;--line:#2d3138;--code:#22262c;
--ok:#74c79b;--ok-shape:#4c9b73;--warn:#e2b25c;--warn-shape:#cf9a3a;--bad:#ff9a8f;--bad-shape:#e5685c;--info:#8dbaf2;--bad-ground:#251b1c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--ink);font:400 1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
header,main,footer{max-width:92rem;margin:0 auto;padding:0 clamp(1rem,3vw,2.5rem)}
header{padding-top:clamp(1.5rem,4vw,3rem)}
.name{margin:0;color:var(--soft);font-size:.875rem}
h1{margin:.35rem 0 .75rem;font-size:clamp(1.6rem,1.1rem + 2.2vw,2.6rem);line-height:1.15;font-weight:650;letter-spacing:-.02em;text-wrap:balance}
h2{margin:3rem 0 1rem;font-size:1.25rem;line-height:1.3;font-weight:650;letter-spacing:-.01em}
h3{margin:0;font-size:1rem}h3,.what{font-weight:600}
h4{margin:1.25rem 0 .4rem;font-size:.875rem;font-weight:600}
p{margin:.4rem 0;max-width:70ch}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.18em}
a:hover{text-decoration-thickness:.12em}
:focus-visible{outline:.18rem solid var(--info);outline-offset:.15rem;border-radius:.2rem}
[tabindex="-1"]:focus{outline:none}
:target{box-shadow:inset .25rem 0 0 var(--info)}
.soft{color:var(--soft)}
.small,.facts{font-size:.875rem}
td,th,summary,.steps{overflow-wrap:anywhere}thead th,.mark,time{overflow-wrap:normal}
.facts{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:0;padding:0;color:var(--soft);list-style:none}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1.25rem 0 0;padding:.75rem 0 0;border-top:1px solid var(--line);list-style:none;font-size:.9375rem}
code,pre,.mono{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.8125rem}
code{padding:.1em .35em;border-radius:.25rem;background:var(--code);overflow-wrap:anywhere}
pre{margin:.5rem 0;padding:.75rem .9rem;border-radius:.4rem;background:var(--code);line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere;max-height:24rem;overflow-y:auto}
.mark{display:inline-flex;align-items:baseline;gap:.45em;font-weight:550;white-space:nowrap}
.mark i{flex:none;width:.6em;height:.6em;background:currentColor;border-radius:50%}
.mark.bad{color:var(--bad)}.mark.bad i{border-radius:0;clip-path:polygon(50% 0,100% 100%,0 100%);width:.72em;height:.66em}
.mark.warn{color:var(--warn)}.mark.warn i{border-radius:0;clip-path:polygon(50% 0,100% 50%,50% 100%,0 50%);width:.7em;height:.7em}
.mark.ok{color:var(--ok)}
.mark.info{color:var(--info)}.mark.info i{background:none;border:.14em solid}
.mark.none{color:var(--soft)}.mark.none i{height:.14em;border-radius:0;align-self:center}
.matters{display:grid;grid-template-columns:minmax(0,1fr);gap:.75rem;margin:0;padding:0;list-style:none}
@media (min-width:64rem){.matters{grid-template-columns:repeat(auto-fill,minmax(30rem,1fr))}}
.matter{padding:1rem 1.15rem 1.1rem;border:1px solid var(--line);border-left:.25rem solid var(--bad-shape);border-radius:.5rem;background:var(--paper)}
.matter.paused{border-left-color:var(--warn-shape)}
.matter .head{display:flex;flex-wrap:wrap;gap:.1rem .9rem;align-items:baseline}
.matter p{margin:.45rem 0 0;overflow-wrap:anywhere}
.matter .step{margin-top:.75rem;padding-top:.65rem;border-top:1px solid var(--line)}
.cmd{display:block;margin:.4rem 0;padding:.5rem .7rem;user-select:all}
.nb{white-space:nowrap}
.clear{padding:1rem 1.15rem;border:1px solid var(--line);border-left:.25rem solid var(--ok-shape);border-radius:.5rem;background:var(--paper)}
.sheet{border:1px solid var(--line);border-radius:.5rem;background:var(--paper);overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
caption{text-align:left}
th,td{padding:.7rem 1rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);font-weight:400}
thead th{padding:.55rem 1rem;border-top:0;color:var(--soft);font-size:.8125rem;white-space:nowrap}
tbody th{font-weight:600}th .soft{font-weight:400}
td>div+div,th>div+div{margin-top:.15rem}
.num{text-align:right;white-space:nowrap}
.when{white-space:nowrap}
svg{display:block;max-width:100%;height:auto;overflow:visible}
.s-ok{fill:var(--ok-shape)}.s-warn{fill:var(--warn-shape)}.s-bad{fill:var(--bad-shape)}.s-none{fill:var(--soft);opacity:.55}
.s-info{fill:none;stroke:var(--info);stroke-width:1.5}.s-gap{fill:none;stroke:var(--bad-shape);stroke-width:1.25;stroke-dasharray:2.2 1.6}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:.75rem 0 0;padding:0;list-style:none;font-size:.8125rem;color:var(--soft)}
.legend li{display:flex;gap:.45rem;align-items:center}
details{border:1px solid var(--line);border-radius:.5rem;background:var(--paper);margin-top:.5rem}
summary{display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;padding:.7rem 1rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::before{content:"";flex:none;align-self:center;width:.42rem;height:.42rem;border:solid var(--soft);border-width:0 .12rem .12rem 0;transform:rotate(-45deg)}
details[open]>summary::before{transform:rotate(45deg)}
summary .soft{margin-left:auto}
.story{padding:.1rem 1rem 1.1rem 1rem;border-top:1px solid var(--line)}
.steps{margin:0;padding:0;list-style:none}
.steps li{position:relative;padding:.1rem 0 .7rem 1.35rem;border-left:2px solid var(--line);margin-left:.3rem}
.steps li:last-child{border-left-color:transparent;padding-bottom:0}
.steps li::before{content:"";position:absolute;left:calc(-.3rem - 1px);top:.5rem;width:.6rem;height:.6rem;border-radius:50%;background:var(--soft);box-shadow:0 0 0 .2rem var(--paper)}
.steps .ok::before{background:var(--ok-shape)}.steps .bad::before{background:var(--bad-shape)}.steps .warn::before{background:var(--warn-shape)}.steps .info::before{background:var(--info)}
.steps .row{display:flex;flex-wrap:wrap;gap:.1rem .9rem;align-items:baseline}
footer{margin-top:3.5rem;padding-top:1.25rem;padding-bottom:3rem}
footer>div{border-top:1px solid var(--line);padding-top:1rem}
@media (max-width:56rem){
.sheet{border:0;background:none;border-radius:0;overflow:visible}
.stack,.stack tbody,.stack tr,.stack td,.stack th{display:block;width:100%}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.stack tr{padding:.85rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--paper)}
.stack tr+tr{margin-top:.6rem}
.stack th,.stack td{padding:0;border:0;text-align:left}
.stack td{display:grid;grid-template-columns:6.2rem minmax(0,1fr);gap:.15rem .75rem;padding-top:.5rem}
.stack td::before{content:attr(data-label);color:var(--soft);font-size:.8125rem;line-height:1.7}
.stack td.empty{display:none}
.num,.when{text-align:left;white-space:normal}
h2{margin-top:2.25rem}
summary .soft{margin-left:0;width:100%}
}
@media print{body{background:#fff}.matter,details,tr{break-inside:avoid}nav{display:none}}
)css");
}

}  // namespace jobrun
