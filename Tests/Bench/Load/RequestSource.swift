/// Numbered requests of one size. Each connection keeps a copy of the template and overwrites only
/// the bytes that differ between requests, so sending a request allocates nothing.
protocol RequestSource {
    /// A whole request, head and body.
    var template: [UInt8] { get }
    /// Turns a request made from this template into the request of this number.
    func stamp(_ number: Int, onto request: UnsafeMutableRawBufferPointer)
}
