import Corpora
import Records
import Testing

@Suite struct HTMLTests {
  private func row(_ text: String) throws -> String {
    let rows = try Reading.rows(Array(text.utf8), CorpusReader(format: .html))
    #expect(rows.count == 1)
    return rows.joined()
  }

  @Test("a page's text: white space collapses, blocks begin lines, scripts and the head are gone")
  func text() throws {
    let text =
      "<html><head><meta charset=\"utf-8\"><title>A  page</title><script>x<y</script></head><body><h1>Ti&eacute;tle</h1>\n<p>one\n two<br>three <b>é</b></p>"
      + "<ul><li>a<li>b</ul><style>p{}</style><table><tr><td>1<td>2</table><pre> x\r\n  y</pre></body></html>"
    #expect(
      try row(text) == #"1 {"title":"A page","text":"Tiétle\n\none two\nthree é\n\na\nb\n\n1\t2\n\n x\n  y"}"#)
  }

  @Test("a page in another encoding says so in its meta element")
  func encoding() throws {
    let text = Array("<meta charset=iso-8859-1><p>".utf8) + [0xE9]
    #expect(try Reading.rows(text, CorpusReader(format: .html)) == [#"1 {"title":"","text":"é"}"#])
    #expect(
      Reading.failure(Array("\n<p>".utf8) + [0xE9], CorpusReader(format: .html)).contains("2: is not valid UTF-8"))
  }

  @Test(
    "html, head and body may be left out, and whatever stands in the page is its text",
    arguments: [
      ("<!doctype html><title>T</title><main>a<p>b</main>", "T", "a\\n\\nb"),
      ("<title>T</title><article>One</article><article>Two</article>end", "T", "One\\nTwo\\nend"),
      ("<title>T</title><my-element>a</my-element>", "T", "a"), ("<title>T</title>a", "T", "a"),
      ("<head>a<title>T</title></head><body>b", "T", "a\\nb"), ("<html><body>a</body></html>b", "", "a\\nb"),
      ("<body>a<title>T</title>b", "T", "ab"), ("<svg><title>no</title></svg><title>T</title>a", "T", "a"),
      ("<title>T</title><title>U</title>a", "T", "a"), ("<title>a <b> &amp; c</title>x", "a <b> & c", "x"),
    ])
  func omitted(page: String, title: String, text: String) throws {
    #expect(try row(page) == "1 {\"title\":\"\(title)\",\"text\":\"\(text)\"}")
  }

  @Test(
    "character references are resolved as the standard says, with and without semicolon",
    arguments: [
      ("&copy 2020 AT&T &lt;b&gt; &notit; &notin; &hellip; &apos;", "© 2020 AT&T <b> ¬it; ∉ … '"),
      ("&hellip &notin &apos x", "&hellip ¬in &apos x"), ("&#x7F;&#x80;&#x9F;&#xA0;", "\u{7F}€Ÿ\u{A0}"),
      ("&#x93;q&#148; &#0; &#x1F600; &#xD800; &#99999999999; &#; &#x;", "“q” \u{FFFD} 😀 \u{FFFD} \u{FFFD} &#; &#x;"),
      ("&unknown; & &eacute &NotEqualTilde; &CounterClockwiseContourIntegral;", "&unknown; & é ≂̸ ∳"),
      ("a&nbsp; b", "a\u{A0} b"),
    ])
  func references(page: String, text: String) throws {
    #expect(try row(page) == "1 {\"title\":\"\",\"text\":\"\(text)\"}")
  }

  @Test(
    "what a browser does not show is no text, and it ends where a browser ends it",
    arguments: [
      ("a<script>if (1<2) '<p>'</script >b", "ab"), ("a<!-- <p>no --> b<!-->c--><!--d--!>e", "a bc-->e"),
      ("<noscript><p>no</p></noscript>a<iframe><p>no</iframe>", "a"), ("<template><p>no</p></template>a", "a"),
      ("<svg><path/><![CDATA[>]]></svg>a<math><mi>x</math>b", "ab"), ("<svg><g>no<p>a", "a"),
      ("<p title='a>b' x=\"'>\">a", "a"), ("a<![CDATA[b]]>c<?php x ?>d</ e>f<!g>h", "acdfh"),
      ("1 < 2 <3 <-", "1 < 2 <3 <-"), ("a<b", "a"), ("<textarea><b></textarea>a", "<b>a"),
      ("<style>p{content:'</p>'}</STYLE>a", "a"), ("a<![CDATA[b>c]]>d<svg><![CDATA[e>f]]></svg>", "ac]]>d"),
    ])
  func hidden(page: String, text: String) throws {
    #expect(try row(page) == "1 {\"title\":\"\",\"text\":\"\(text)\"}")
  }

  @Test(
    "a script within a comment's marks within a script ends itself only, as browsers have it",
    arguments: [
      ("<!-- <script> </script> hidden --></script>end", "end"), ("<!-- </script>end", "end"),
      ("<!-- <script> --> </script>end", "end"), ("<!--><script></script>end", "end"),
      ("<!---><script></script>end", "end"), ("<!--<SCRIPT\n></Script/>no</script >end", "end"),
      ("<!--<script></script><script></script>no</script>end", "end"),
      ("<!-- <scripts> </script>end", "end"), ("<!-- <script> </scripts> </script> no </script>end", "end"),
      ("<!-- <script> <!-- </script> no </script>end", "end"), ("<script></script>end", "end"),
      ("<!-- <script> </script> no", ""), ("<!- <script> </script>end", "end"), ("--> <script> </script>end", "end"),
      ("<!-- < script> </script>end", "end"), ("<!-- <script>- -> </script> no --->x</script>end", "end"),
      ("<!-- <script>--</script>>no</script>end", "end"), ("<!<!--<script></script>no</script>end", "end"),
    ])
  func scripts(script: String, text: String) throws {
    #expect(try row("a<script>\(script)") == "1 {\"title\":\"\",\"text\":\"a\(text)\"}")
  }

  @Test("the contents of other elements end at their first end tag, whatever comment stands in them")
  func otherContents() throws {
    #expect(try row("<style><!-- <style> </style>a") == #"1 {"title":"","text":"a"}"#)
    #expect(try row("<textarea><!-- <script> </textarea>a") == #"1 {"title":"","text":"<!-- <script> a"}"#)
  }

  @Test(
    "lines are where a browser begins them, also where end tags are left out",
    arguments: [
      ("<p>a<div>b</div>c", "a\\n\\nb\\nc"), ("<div><p>a</div>b", "a\\n\\nb"), ("a<br>b<br/>c</br>d", "a\\nb\\nc\\nd"),
      ("<dl><dt>a<dd>b</dl>", "a\\nb"), ("<pre>\n\n x</pre>y", "\\n x\\n\\ny"),
      ("<details><summary>a</summary>b</details>", "a\\nb"),
      ("<table><tr><th>a<th>b<tbody><tr><td>1<td>2</table>", "a\\tb\\n1\\t2"),
      ("<div/>a<div/>b", "a\\nb"),
    ])
  func lines(page: String, text: String) throws {
    #expect(try row(page) == "1 {\"title\":\"\",\"text\":\"\(text)\"}")
  }

  @Test("in XHTML, which begins as XML does, a slash closes any element")
  func xhtml() throws {
    #expect(
      try row("<?xml version=\"1.0\"?><html><title>T</title><script src=\"a\"/><p>x</p></html>")
        == #"1 {"title":"T","text":"x"}"#)
  }

  @Test(
    "an element of XHTML that closes itself holds nothing of what follows",
    arguments: [
      ("<title/><p>a</p>", "a"), ("<pre/>a  b", "a b"), ("<textarea/>a  b", "a b"), ("<p/>a<div>b</div>", "a\\nb"),
      ("<xmp/>a<b>b</b>", "ab"), ("<template/>a", "a"), ("<svg/>a<math/>b", "ab"), ("<title/><title>T</title>a", "a"),
    ])
  func selfClosing(body: String, text: String) throws {
    let row = try row("<?xml version=\"1.0\"?><html>\(body)</html>")
    #expect(row.hasSuffix("\"text\":\"\(text)\"}"), "\(row)")
  }

  @Test("elements within elements without end take no more than the page's time")
  func deep() throws {
    let deep = String(repeating: "<template>", count: 50_000) + String(repeating: "</x>", count: 50_000)
    #expect(try row("a" + deep) == #"1 {"title":"","text":"a"}"#)
  }
}
