"""What a page on a host that is not ours does to ours."""

# What the evil page can do with a URL; `look()` does all of it and tells everything that such a page can see.
EVIL = """<!doctype html><meta charset="utf-8"><title>evil</title><link rel="icon" href="data:,">
<button id="go">Win a prize</button><script>
const heard = []
addEventListener("message", ({ origin, data }) => heard.push([origin, JSON.stringify(data)]))
const made = (name, fields) => Object.assign(document.createElement(name), fields)
const element = (name, fields, parent = document.body) => new Promise((resolve) => {
  const it = made(name, fields)
  it.onload = () => resolve(["load", it])
  it.onerror = () => resolve(["error", it])
  parent.append(it)
})
const inside = (frame) => {
  const seen = [frame.contentWindow.length, frame.contentDocument === null]
  try { seen.push(frame.contentWindow.location.href) } catch (error) { seen.push(error.name) }
  return seen
}
const fetched = (url, options) => fetch(url, { credentials: "include", ...options }).then(
  async ({ type, status, redirected, url, headers }) => [type, status, redirected, url, [...headers]],
  (error) => error.name)
const framed = async (url, fields = {}) => {
  const [event, frame] = await element("iframe", { src: url, ...fields })
  const seen = [event, inside(frame)]
  frame.remove()
  return seen
}
const posted = (url, method) => new Promise((resolve) => {
  const frame = made("iframe", { name: `f${Math.random()}` })
  document.body.append(frame)
  const form = made("form", { action: url, method, target: frame.name })
  form.append(made("input", { name: "transport", value: "frame" }), made("input", { name: "state", value: "t.x" }))
  document.body.append(form)
  frame.onload = () => { const seen = inside(frame); frame.remove(); form.remove(); resolve(seen) }
  form.submit()
})
const WAYS = {
  image: async (url) => { const [event, it] = await element("img", { src: url }); return [event, it.width] },
  script: async (url) => (await element("script", { src: url }))[0],
  module: async (url) => (await element("script", { src: url, type: "module", crossOrigin: "use-credentials" }))[0],
  style: async (url) => (await element("link", { rel: "stylesheet", href: url }))[0],
  object: async (url) => (await element("object", { data: url }))[0],
  frame: framed,
  sandboxed: (url) => framed(url, { sandbox: "allow-scripts allow-forms" }),
  no_cors: (url) => fetched(url, { mode: "no-cors" }),
  no_cors_post: (url) => fetched(url, { mode: "no-cors", method: "POST", body: new URLSearchParams("transport=top") }),
  cors: (url) => fetched(url, { mode: "cors" }),
  cors_manual: (url) => fetched(url, { mode: "cors", redirect: "manual" }),
  form_get: (url) => posted(url, "get"),
  form_post: (url) => posted(url, "post"),
}
async function look(url) {
  const seen = {}
  performance.clearResourceTimings()
  for (const [name, way] of Object.entries(WAYS)) {
    const before = [history.length, window.length]
    const result = await Promise.race([way(url), new Promise((resolve) => setTimeout(resolve, 3000, "nothing"))])
    seen[name] = [result, history.length - before[0], window.length - before[1]]
  }
  const entries = performance.getEntriesByType("resource").filter((one) => !one.name.startsWith(origin))
  seen.times = entries.map((one) => [one.initiatorType, one.responseStatus, one.transferSize, one.encodedBodySize,
    one.redirectStart > 0, one.nextHopProtocol, one.workerStart > 0].join()).sort()
  return { seen, heard }
}
let popup
let goal = "about:blank"
go.onclick = () => { popup = window.open(goal) }
const look_at_popup = () => {
  const seen = {}
  for (const name of ["closed", "length", "opener", "name"]) {
    try { seen[name] = String(popup[name]) } catch (error) { seen[name] = error.name }
  }
  return { seen, heard, history: history.length }
}
</script>"""
